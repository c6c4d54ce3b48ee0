"""BoAmps 1.1 as JSON Schema, written down here from the fields, types and enumerations of its five schemas.

The schemas themselves (github.com/Boavizta/BoAmps, folder model, CC BY 4.0) are used beside it where they lie in
shared/data/boamps. This one is stricter: a field that they do not have is refused.
"""

from collections.abc import Sequence
from typing import Any

TEXT, NUMBER, SHARE = {"type": "string"}, {"type": "number"}, {"type": "number", "minimum": 0, "maximum": 1}


def one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def an_object(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    needs = {"required": list(required)} if required else {}  # Draft 4 takes no empty list
    return {"type": "object", "properties": properties, "additionalProperties": False, **needs}


def several(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": item}


ALGORITHM = an_object(
    **dict.fromkeys(
        ("trainingType", "algorithmType", "algorithmName", "algorithmUri", "foundationModelName", "foundationModelUri",
         "framework", "frameworkVersion", "classPath", "optimizer", "quantization"), TEXT),
    **dict.fromkeys(("parametersNumber", "layersNumber", "epochsNumber"), NUMBER),
)  # fmt: skip
DATASET = an_object(
    ("dataUsage", "dataType"),
    dataUsage=one_of("input", "output"),
    dataType=one_of("tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other"),
    source=one_of("public", "private", "other"),
    **dict.fromkeys(("shape", "sourceUri", "owner"), TEXT),
    **dict.fromkeys(("dataSize", "dataQuantity"), NUMBER),
)
MEASURE = an_object(
    ("measurementMethod", "powerConsumption"),
    averageUtilizationCpu=SHARE,
    averageUtilizationGpu=SHARE,
    **dict.fromkeys(("measurementMethod", "manufacturer", "version", "cpuTrackingMode", "gpuTrackingMode"), TEXT),
    **dict.fromkeys(
        ("powerCalibrationMeasurement", "durationCalibrationMeasurement", "powerConsumption", "measurementDuration"),
        NUMBER,
    ),
    measurementDateTime={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"},
)
HARDWARE = an_object(
    ("componentType", "nbComponent"),
    nbComponent={"type": "integer"},
    memorySize=NUMBER,
    share=SHARE,
    **dict.fromkeys(("componentName", "componentType", "manufacturer", "family", "series"), TEXT),
)
HEADER = an_object(
    ("reportDatetime",),
    reportStatus=one_of("draft", "final", "corrective", "other"),
    reportDatetime={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"},
    **dict.fromkeys(("licensing", "formatVersion", "formatVersionSpecificationUri", "reportId"), TEXT),
)
TASK = an_object(
    ("taskStage", "taskFamily", "algorithms", "dataset"),
    algorithms=several(ALGORITHM),
    dataset=several(DATASET),
    nbRequest=NUMBER,
    measuredAccuracy=SHARE,
    **dict.fromkeys(("taskStage", "taskFamily", "taskDescription"), TEXT),
)
REPORT = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    **an_object(
        ("task", "measures", "infrastructure"),
        header=HEADER,
        task=TASK,
        measures=several(MEASURE),
        system=an_object(("os",), **dict.fromkeys(("os", "distribution", "distributionVersion"), TEXT)),
        software=an_object(("language",), language=TEXT, version=TEXT),
        infrastructure=an_object(
            ("infraType", "components"),
            infraType=one_of("publicCloud", "privateCloud", "onPremise", "other"),
            components=several(HARDWARE),
            **dict.fromkeys(("cloudProvider", "cloudInstance", "cloudService"), TEXT),
        ),
        environment=an_object(
            ("country",), country=TEXT, location=TEXT, latitude=NUMBER, longitude=NUMBER,
            powerSourceCarbonIntensity=NUMBER,
        ),
        quality=one_of("high", "medium", "low"),
    ),
}  # fmt: skip
