"""The metrics of files that are imported; the rules of `connectors.metrics` hold."""

from __future__ import annotations

from connectors.metrics import Metric

FILES_IMPORTED = Metric(
    name="masa_files_total",
    kind="counter",
    help="Files taken from the drop folder. `refused` above 0: a whole file could not be read; it is in the folder "
    "`quarantine` with the reason. None for days: the supplier's export has stopped.",
    labels={"result": "imported or refused"},
)
FILE_RECORDS = Metric(
    name="masa_files_records_total",
    kind="counter",
    help="Records of files, by what became of them. A rise of `refused`: the supplier changed its export; look at "
    "`quarantine` and mend the mapping. A rise of `skipped`: it may say less than it did.",
    labels={"result": "published, unchanged, skipped or refused"},
)
FILES_UNKNOWN_COLUMNS = Metric(
    name="masa_files_unknown_columns",
    kind="gauge",
    help="Columns of the newest file that the mapping does not name. Above 0: read them, or name them in `ignored`.",
)
FILES_WAITING = Metric(
    name="masa_files_waiting_total",
    kind="counter",
    help="Times a file had to wait because the exchange could not be reached. Nothing is lost; it is tried again.",
    labels={"error": "class of the error"},
)
