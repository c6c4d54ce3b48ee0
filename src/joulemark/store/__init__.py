"""Records in MLflow, the only modules that import it: one experiment per task, one flat run per record.

opening.py a store that can be used · filling.py what goes into a run · shown.py what a run shows of a record
records.py sweeps.py foreign.py what is written · reading.py what is read · additions.py what is added to it later
"""

import os

# Before MLflow is imported: it would phone home, and wait minutes for a server that is not there
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("PGCONNECT_TIMEOUT", "5")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
