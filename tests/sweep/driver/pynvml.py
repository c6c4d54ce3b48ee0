"""A stand-in for NVIDIA's binding on PYTHONPATH: two cards of one product, and no other word about them."""

UUIDS = ("GPU-fake-0", "GPU-fake-1")


class NVMLError(Exception):
    """As the real one."""


globals().update(
    nvmlInit=lambda: None,
    nvmlDeviceGetCount=lambda: len(UUIDS),
    nvmlDeviceGetHandleByIndex=lambda index: index,
    nvmlDeviceGetUUID=lambda card: UUIDS[card],
    nvmlDeviceGetName=lambda card: "NVIDIA Stand-In 80GB",
    nvmlDeviceGetEnforcedPowerLimit=lambda card: 700_000,
    nvmlDeviceGetCudaComputeCapability=lambda card: (9, 0),
)
