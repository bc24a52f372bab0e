"""The enumerations of the rooms below, with what each of their values means."""

from __future__ import annotations

from enum import Enum

from gql_service.api.described import describe as _describe
from gql_service.catalog.annotation_content import AnnotationStatus, AnnotationType
from gql_service.catalog.dataset import DatasetType, Operation
from gql_service.catalog.permission import Permission, Role
from gql_service.catalog.recipe_content import AttributeType
from gql_service.errors import ErrorCode
from gql_service.jobs.job import JobKind, JobStatus
from gql_service.versions.diff import ChangeKind
from gql_service.versions.items import UploadMode
from gql_service.versions.merge_rules import ConflictPolicy, MergePolicy
from gql_service.versions.resolution import ConflictChoice, SkipReason

__all__ = [  # so that nobody takes one that has not been described yet
    "AnnotationStatus",
    "AnnotationType",
    "AttributeType",
    "ChangeKind",
    "ConflictChoice",
    "ConflictPolicy",
    "ConflictSide",
    "DatasetType",
    "ErrorCode",
    "JobKind",
    "JobStatus",
    "MergeOutcome",
    "MergePolicy",
    "Operation",
    "OrderDirection",
    "Permission",
    "RecipeDifferenceKind",
    "Role",
    "SkipReason",
    "UploadMode",
]


class RecipeDifferenceKind(Enum):
    LABEL_REMOVED = "LABEL_REMOVED"
    LABEL_ADDED = "LABEL_ADDED"
    LABEL_CHANGED = "LABEL_CHANGED"
    ATTRIBUTE_REMOVED = "ATTRIBUTE_REMOVED"
    ATTRIBUTE_ADDED = "ATTRIBUTE_ADDED"
    ATTRIBUTE_CHANGED = "ATTRIBUTE_CHANGED"
    TOOL_REMOVED = "TOOL_REMOVED"
    TOOL_ADDED = "TOOL_ADDED"


class MergeOutcome(Enum):
    COMBINED = "COMBINED"
    SUMMED = "SUMMED"
    MIXED = "MIXED"


class ConflictSide(Enum):
    LEFT = "LEFT"
    RIGHT = "RIGHT"


class OrderDirection(Enum):
    ASC = "ASC"
    DESC = "DESC"


_describe(
    ErrorCode,
    "What went wrong, for programs; the message says it for people. New codes may be added.",
    {
        "UNAUTHENTICATED": "No token, or one that is unknown, expired or revoked.",
        "NOT_FOUND": "Absent, or not visible to the caller: the two look the same.",
        "FORBIDDEN": "Visible to the caller, but not theirs to do.",
        "INVALID": "An argument is wrong; the path names it.",
        "NAME_TAKEN": "A project, dataset or tag of that name exists.",
        "PATH_TAKEN": "An item with that path exists in the dataset.",
        "CONFLICT": "The present state does not allow it.",
        "VERSION_MOVED": "`expectedVersion` is not the head any more.",
        "RECIPE_MISMATCH": "The datasets have different recipes.",
        "LABEL_UNKNOWN": "The recipe does not allow the label, attribute or value.",
        "DATASET_LOCKED": "The dataset is locked: it can be read, cloned and merged from, but not "
        "changed, until `unlockDataset`.",
        "NOT_LOCKED": "The dataset is not locked.",
        "CURSOR_EXPIRED": "The version that the list is read at has expired: begin the list anew.",
        "ERASED": "The version has expired: it is listed, but what it showed is not kept.",
        "LIMIT_EXCEEDED": "Well-formed, but larger than a limit of this service.",
        "TIMEOUT": "It took longer than a request may take, was stopped, and wrote nothing.",
        "BUSY": "The database stayed locked for longer than the service waits, or the storage of "
        "files does not answer. Try again.",
        "IDEMPOTENCY_CONFLICT": "The idempotency key stands for another input, or for a success "
        "whose secret was shown once.",
        "PERSISTED_QUERY_NOT_FOUND": "The document that was named is not known; send it.",
        "INSUFFICIENT_STORAGE": "No room is left for the bytes or the rows.",
        "BINARY_CORRUPT": "Stored bytes are missing or differ from their digest.",
        "INTERNAL": "A fault of the service; the message has the id under which it was logged.",
    },
)
_describe(
    DatasetType,
    "How a dataset came to be.",
    {
        "MASTER": "Created empty and filled with files.",
        "CLONE": "Cloned from one dataset.",
        "MERGE": "Merged from several datasets.",
    },
)
_describe(
    Operation,
    "What made a version. New operations may be added.",
    {
        "CREATE": "The dataset was created.",
        "UPLOAD": "Files were uploaded.",
        "IMPORT": "A folder was imported.",
        "ADD": "Items were added over stored binaries.",
        "UPDATE": "Metadata, descriptions or visibility of items were changed.",
        "MOVE": "Items were given other paths.",
        "DELETE": "Items were removed.",
        "ANNOTATE": "Annotations were added, changed or removed.",
        "CLONE": "The dataset was cloned, or items were cloned into it.",
        "MERGE": "The dataset was merged, or others were merged into it.",
        "RESOLVE": "Conflicts of a merge were resolved.",
        "SWITCH_RECIPE": "The dataset was given another recipe.",
        "REVERT": "Items, or the whole dataset, were made what they were at an older version.",
        "RESTORE": "Removed items were brought back.",
        "EXPIRE": "Items that were older than the expiration of the dataset allows were removed.",
    },
)
_describe(
    AnnotationType,
    "What kind of mark an annotation is; it decides the shape of its coordinates. Positions are "
    "pixels from the top left corner, angles are degrees clockwise.",
    {
        "BOX": 'Two opposite corners [{x,y},{x,y}], or {"points": […], "angle"}.',
        "POLYGON": "One or more rings of 3 points or more: [[{x,y}…]…].",
        "POLYLINE": "One or more lines of 2 points or more: [[{x,y}…]…].",
        "POINT": "One point {x,y}.",
        "ELLIPSE": '{"center": {x,y}, "rx", "ry", "angle"}.',
        "CUBE": "Eight corners: frontTL, frontTR, frontBR, frontBL, backTL and so on.",
        "CLASSIFICATION": "Of the whole item; the coordinates are null.",
        "BINARY_MASK": "A PNG file in base64, up to 1 MiB of file.",
        "POSE": '{"points": [{"name", x, y, "visible"}…]}.',
        "TEXT_MARK": '{"start", "end"}, positions of characters.',
        "SUBTITLE": '{"start", "end", "text"}, times in seconds.',
        "NOTE": '{x, y, "text"}.',
    },
)
_describe(
    AnnotationStatus,
    "What a reviewer said of an annotation; many have none.",
    {
        "ISSUE": "Something is wrong with it.",
        "APPROVED": "It is right.",
        "REVIEW": "It waits for a review.",
    },
)
_describe(
    AttributeType,
    "What values an attribute takes.",
    {
        "SINGLE_CHOICE": "One of its values.",
        "MULTIPLE_CHOICE": "A list of its values, each once.",
        "RANGE": "A number in its range.",
        "BOOLEAN": "true or false.",
        "FREE_TEXT": "Any text.",
    },
)
_describe(
    Role,
    "What a member may do in a project, from most to least.",
    {
        "OWNER": "Everything, members and the project itself included.",
        "DEVELOPER": "Write items, datasets, recipes and annotations; clone and merge.",
        "ANNOTATION_MANAGER": "Annotate, and review annotations.",
        "ANNOTATOR": "Annotate.",
        "VIEWER": "Read.",
    },
)
_describe(
    Permission,
    "What can be done in a project.",
    {
        "READ": "Read everything in it.",
        "ANNOTATE": "Add, change and remove annotations and their statuses.",
        "WRITE": "Write items, datasets and recipes; clone and merge into it.",
        "CURATE": "Tag versions, lock and unlock datasets.",
        "MANAGE_MEMBERS": "Add, change and remove members.",
        "MANAGE_PROJECT": "Rename and delete the project.",
    },
)
_describe(
    JobKind,
    "What a job does. New kinds may be added.",
    {"CLONE": "Clones a dataset.", "MERGE": "Merges datasets."},
)
_describe(JobStatus, "How far a job is.", {"SUCCEEDED": "It is done, and its result is there."})
_describe(
    UploadMode,
    "What is done with a path that the dataset has already.",
    {
        "SKIP": "The item there stays as it is.",
        "OVERWRITE": "The item there is given the new file; it keeps its key and annotations.",
    },
)
_describe(
    MergePolicy,
    "What counts as a removal when datasets are merged.",
    {
        "UNION": "What is present in any source is present in the result.",
        "THREE_WAY": "A removal wins over an unchanged other side; a change wins over a removal.",
    },
)
_describe(
    ConflictPolicy,
    "Whose value is taken where two sides changed the same field.",
    {
        "FIRST": "That of the earlier dataset in the list.",
        "LAST": "That of the later dataset in the list.",
        "FAIL": "Nobody's: a merge with a conflict is refused.",
    },
)
_describe(
    RecipeDifferenceKind,
    "In what two recipes differ, seen from left to right.",
    {
        "LABEL_REMOVED": "Only the left recipe has the label.",
        "LABEL_ADDED": "Only the right recipe has the label.",
        "LABEL_CHANGED": "The label has other attributes.",
        "ATTRIBUTE_REMOVED": "Only the left recipe has the attribute.",
        "ATTRIBUTE_ADDED": "Only the right recipe has the attribute.",
        "ATTRIBUTE_CHANGED": "The attribute is defined otherwise.",
        "TOOL_REMOVED": "Only the left recipe has the tool.",
        "TOOL_ADDED": "Only the right recipe has the tool.",
    },
)
_describe(
    MergeOutcome,
    "How the sources of a merge were related.",
    {
        "COMBINED": "Clones of one another: items that are the same became one.",
        "SUMMED": "Unrelated: all items stand side by side.",
        "MIXED": "Both, in parts.",
    },
)
_describe(
    OrderDirection,
    "In which direction a list is ordered.",
    {"ASC": "From least to greatest.", "DESC": "From greatest to least."},
)
_describe(
    ChangeKind,
    "How something differs.",
    {
        "ADDED": "It was not there before.",
        "REMOVED": "It is not there any more.",
        "MODIFIED": "It differs in what it says; of an item, perhaps only in its annotations.",
        "RENAMED": "An item that differs in its path only, and perhaps in its annotations.",
    },
)
_describe(
    ConflictChoice,
    "What is chosen for a conflict.",
    {
        "LEFT": "The value of the earlier source.",
        "RIGHT": "The value of the later source.",
        "BASE": "The value that both sides had seen.",
        "KEEP": "What stands now, whoever has put it there: both annotations, where both are kept.",
    },
)
_describe(
    ConflictSide,
    "A side of a conflict.",
    {"LEFT": "The earlier source.", "RIGHT": "The later source."},
)
_describe(
    SkipReason,
    "Why a conflict was left open. New reasons may be added.",
    {
        "RESOLVED": "It has been decided before.",
        "CHANGED": "Somebody has changed the value since the merge. KEEP closes the conflict.",
        "GONE": "The item or annotation is not there any more. KEEP closes the conflict.",
        "PATH_TAKEN": "Another item has the path that was chosen.",
        "BINARY_GONE": "The file that was chosen is not stored any more.",
        "NO_SIDE": "The policy takes neither side: both are the user's or none is, or a source is "
        "gone.",
    },
)
