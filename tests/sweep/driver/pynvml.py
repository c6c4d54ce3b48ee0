"""A stand-in for NVIDIA's binding on PYTHONPATH: two cards of one product, and nothing else."""

UUIDS = ("GPU-fake-0", "GPU-fake-1")


class NVMLError(Exception):
    """As the real one."""


globals().update(
    nvmlInit=lambda: None,
    nvmlDeviceGetCount=lambda: len(UUIDS),
    nvmlDeviceGetHandleByIndex=lambda index: index,
    nvmlDeviceGetHandleByUUID=UUIDS.index,
    nvmlDeviceGetUUID=lambda card: UUIDS[card],
    nvmlDeviceGetName=lambda card: "NVIDIA Stand-In 80GB",
    nvmlDeviceGetEnforcedPowerLimit=lambda card: 700_000,
    nvmlDeviceGetCudaComputeCapability=lambda card: (9, 0),
)


def __getattr__(name):
    def ask(*overrides):
        raise NVMLError(name)

    if name.startswith("nvml"):
        return ask
    if name.startswith("NVML_"):
        return 0
    raise AttributeError(name)
