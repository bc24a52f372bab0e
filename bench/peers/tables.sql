-- The same items as plain tables, for servers that know no versions.
CREATE SCHEMA peers;

CREATE TABLE peers.binaries (
    id bigint PRIMARY KEY,
    sha256 text NOT NULL UNIQUE,
    size bigint NOT NULL,
    mime_type text NOT NULL
);
CREATE TABLE peers.items (
    id bigint PRIMARY KEY,
    path text NOT NULL UNIQUE,
    metadata jsonb NOT NULL,
    binary_id bigint NOT NULL REFERENCES peers.binaries
);
CREATE TABLE peers.annotations (
    id bigint PRIMARY KEY,
    item_id bigint NOT NULL REFERENCES peers.items,
    type text NOT NULL,
    label text NOT NULL,
    coordinates jsonb NOT NULL
);

INSERT INTO peers.binaries SELECT id, sha256, size, mime_type FROM public.binaries;
INSERT INTO peers.items
    SELECT key, path, metadata::jsonb, "binary" FROM public.item_states
    WHERE line = :line AND until = :forever;
INSERT INTO peers.annotations
    SELECT key, item, type, label, coordinates::jsonb FROM public.annotation_states
    WHERE line = :line AND until = :forever;

CREATE INDEX items_binary ON peers.items (binary_id);
CREATE INDEX annotations_item ON peers.annotations (item_id, id);
CREATE INDEX annotations_label ON peers.annotations (label, item_id);

CREATE FUNCTION peers.items_with_label(label text) RETURNS SETOF peers.items
    LANGUAGE sql STABLE
    AS 'SELECT * FROM peers.items i
        WHERE EXISTS (
            SELECT FROM peers.annotations a
            WHERE a.item_id = i.id AND a.label = items_with_label.label
        )
        ORDER BY path';

ANALYZE peers.binaries, peers.items, peers.annotations;
