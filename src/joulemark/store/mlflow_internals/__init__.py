"""The one door to what MLflow does not document: its tables, its columns of paths, its tags for pages.

schema.py which schemas are accepted · tables.py the tables of runs · locations.py the columns that hold paths ·
pages.py tags and addresses of MLflow's pages. No other module of this program may name any of it (RELIED_UPON).
"""

# What is relied upon, each with the reason why the documented way does not do. Read in MLflow 3.17.
RELIED_UPON = {
    "alembic_version": "a database states its schema there; asking MLflow takes the four seconds of its import",
    "db_migrations": "the newest of the installed MLflow's migrations is the schema that it writes",
    "runs": "ten thousand runs are listed in seconds; through the client they take twenty and 1.2 GB",
    "latest_metrics": "the last value of each metric of many runs in one query",
    "params": "only the params that are needed: a run has sixty more",
    "tags": "only this program's tags: MLflow's description is half of what a database holds",
    "experiments": "the folder of an experiment's files is stated there",
    "artifact_location": "MLflow writes absolute paths there and has no command to change them",
    "artifact_uri": "the same, for each run",
    "storage_location": "the same, for each version of a registered model",
    "model_versions": "the table of those versions, whose `source` is such a path too",
    "logged_models": "the table of logged models, which have such a path too",
    "lifecycle_stage": "a deleted run stays in the tables, marked in this column",
    "mlflow.store.tracking": "thousands of external results in one transaction; one by one they take minutes",
    "_tracking_client": "tells whether a client writes to a database itself",
    "mlflow.loggedArtifacts": "the tag that makes MLflow show a JSON file as a table",
    "mlflow.runColor": "the tag that gives a run its colour in every chart",
    "mlflow.sharedViewState.": "the tag of an experiment that holds a saved view",
    "viewStateShareKey": "the part of an address that opens a saved view",
    "compareRunsMode": "the part of an address that opens the charts",
    "deflate;": "how the state of a saved view is packed",
}
