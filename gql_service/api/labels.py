"""What counts and log lines call an operation: names of the schema, and none of a client's."""

from __future__ import annotations

from graphql import FieldNode, OperationDefinitionNode, OperationType

from gql_service.api.documents import Document
from gql_service.api.schema import schema
from gql_service.api.serving import serving

SEVERAL, UNKNOWN = "several", "unknown"


def tell_operation(document: Document, name: str | None) -> None:
    """Tells the request which operation of the document it asks for; there must be such one."""
    served = serving()
    for node in document.node.definitions:
        if isinstance(node, OperationDefinitionNode):
            own = node.name.value if node.name else None
            if name is None or own == name:
                served.name = own
                served.type = node.operation.value
                served.operation = _label(node)
                return


def _label(operation: OperationDefinitionNode) -> str:
    """The field at its root, when that is one of the schema; spread fragments count as several."""
    names = {
        one.name.value if isinstance(one, FieldNode) else SEVERAL
        for one in operation.selection_set.selections
    }
    if len(names) > 1:
        names.discard("__typename")
    if len(names) > 1 or SEVERAL in names:
        return SEVERAL
    label = names.pop()
    return label if label in _FIELDS[operation.operation] else UNKNOWN


_META = {"__typename", "__schema", "__type"}
_FIELDS = {
    kind: _META | set(root.fields if (root := schema._schema.get_root_type(kind)) else ())
    for kind in OperationType
}
