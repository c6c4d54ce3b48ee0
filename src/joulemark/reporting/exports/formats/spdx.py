"""SPDX 3.0.1 as JSON-LD: the model as an AI package with the energy of one inference, in kilowatt hours.

`ai_inferenceEnergyConsumption` with `ai_energyQuantity` and `ai_energyUnit`. The AI profile also asks for a supplier
and a time of release, which no record knows: they are left out, so that no conformance to that profile is declared.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from joulemark.core.units import PER
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".spdx.json", True, False

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
SPEC_VERSION = "3.0.1"
CREATION = "_:creation"


def write(runs: Sequence[Run], options: Options) -> Document:
    """One document with a package for each run."""
    base = f"urn:uuid:{_uuid(runs[0].record.id)}"
    agent = f"{base}#joulemark"
    packages = [_package(run) for run in runs]
    graph = [
        {
            "type": "CreationInfo",
            "@id": CREATION,
            "specVersion": SPEC_VERSION,
            "created": _time(options.made_at),
            "createdBy": [agent],
        },
        {"type": "SoftwareAgent", "spdxId": agent, "creationInfo": CREATION, "name": "Joulemark"},
        {
            "type": "SpdxDocument",
            "spdxId": f"{base}#document",
            "creationInfo": CREATION,
            "name": "Energy of inference, measured",
            "profileConformance": ["core", "software"],
            "rootElement": [package["spdxId"] for package in packages],
            "element": [agent, *(package["spdxId"] for package in packages)],
        },
        *packages,
    ]
    text = json.dumps({"@context": CONTEXT, "@graph": graph}, indent=2, allow_nan=False, ensure_ascii=False)
    left_out = ["suppliedBy and releaseTime: not in a record; the AI profile asks for them, so it is not declared"]
    left_out += [f"run {run.name}: {name}: not in the record" for run in runs for name in _unknown(run)]
    return Document(f"{text}\n", tuple(left_out))


def _package(run: Run) -> Mapping[str, Any]:
    record = run.record
    quality = record.scores.get("primary")
    known = {
        "software_packageVersion": record.model.revision,
        "software_downloadLocation": run.hub_address,
        "ai_metric": [_entry(record.task.metric, quality)] if quality is not None else None,
    }
    return {
        "type": "ai_AIPackage",
        "spdxId": f"urn:uuid:{_uuid(record.id)}#model",
        "creationInfo": CREATION,
        "name": run.checkpoint,
        "software_primaryPurpose": "model",
        **{name: value for name, value in known.items() if value is not None},
        "ai_domain": [record.task.name],
        "ai_energyConsumption": {
            "type": "ai_EnergyConsumption",
            "ai_inferenceEnergyConsumption": [
                {
                    "type": "ai_EnergyConsumptionDescription",
                    "ai_energyQuantity": kwh_of_one(run),
                    "ai_energyUnit": "kilowattHour",
                }
            ],
        },
        "comment": (
            f"Energy of one inference, the mean over {run.requests} requests: {run.energy_text} per 1,000. "
            f"{record.device_name}, {run.settings_text}; "
            f"{', '.join(f'{part}: {how}' for part, how in run.evidence.items() if how)}; verdict {run.verdict}"
            f"{'; flags: ' + ', '.join(record.flags) if record.flags else ''}."
        ),
    }


def kwh_of_one(run: Run) -> str:
    """Kilowatt hours of one inference as a decimal without an exponent, which xsd:decimal does not have."""
    return format(Decimal(repr((run.metrics["energy/total_wh_per_1k"] or 0.0) / 1000.0 / PER)), "f")


def _entry(key: str, value: float) -> Mapping[str, str]:
    return {"type": "DictionaryEntry", "key": key, "value": repr(value)}


def _unknown(run: Run) -> list[str]:
    names = {"packageVersion": run.record.model.revision, "downloadLocation": run.hub_address}
    return [name for name, value in names.items() if value is None]


def _uuid(record_id: str) -> str:
    """The 32 digits of a record's id as a UUID is written; another text as it is."""
    return (
        "-".join((record_id[:8], record_id[8:12], record_id[12:16], record_id[16:20], record_id[20:]))
        if len(record_id) == 32
        else record_id
    )


def _time(made_at: str) -> str:
    """As SPDX writes a time: UTC to the second."""
    return f"{datetime.fromisoformat(made_at):%Y-%m-%dT%H:%M:%SZ}"
