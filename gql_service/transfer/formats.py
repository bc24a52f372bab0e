"""The formats by their names, each with how it is read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from gql_service.transfer.coco_reading import read_coco
from gql_service.transfer.coco_writing import CocoWriter
from gql_service.transfer.csv_table import CsvWriter, read_csv
from gql_service.transfer.exporting import OpenWriter
from gql_service.transfer.folder_writing import FolderWriter
from gql_service.transfer.importing import Read
from gql_service.transfer.parquet_table import ParquetWriter, read_parquet
from gql_service.transfer.record import Report, Source
from gql_service.transfer.voc_reading import read_voc
from gql_service.transfer.voc_writing import VocWriter
from gql_service.transfer.yolo_reading import read_yolo
from gql_service.transfer.yolo_writing import open_detection, open_segmentation


class Format(Enum):
    """The name of a format on the command line."""

    FOLDER = "folder"
    COCO = "coco"
    YOLO = "yolo"
    YOLO_SEG = "yolo-seg"
    VOC = "voc"
    CSV = "csv"
    PARQUET = "parquet"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Way:
    """How a format comes in and goes out. Folders with classes come in by `folder`; a bundle does
    neither like this, for it is of all versions."""

    read: Callable[[Source, Report], Read] | None
    write: OpenWriter


WAYS = {
    Format.FOLDER: Way(None, FolderWriter),
    Format.COCO: Way(read_coco, CocoWriter),
    Format.YOLO: Way(read_yolo, open_detection),
    Format.YOLO_SEG: Way(read_yolo, open_segmentation),
    Format.VOC: Way(read_voc, VocWriter),
    Format.CSV: Way(read_csv, CsvWriter),
    Format.PARQUET: Way(read_parquet, ParquetWriter),
}
