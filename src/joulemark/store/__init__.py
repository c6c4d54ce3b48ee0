"""Records in MLflow, the only modules that import it: one experiment per task, one flat run per record.

opening.py a store that can be used · writing.py what goes into a run · run_page.py what a run shows of a record
records.py sweeps.py external.py what is written · reading.py listing.py what is read · older_names.py under which names
additions.py what is added later · relocation.py after a move · mlflow_internals/ what MLflow does not document
"""

import os

# Before MLflow is imported: it would phone home, and wait minutes for a server that is not there
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("PGCONNECT_TIMEOUT", "5")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
