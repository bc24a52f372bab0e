// Mercurius with its own loaders and compiled queries, over the plain tables of tables.sql.
//
//     node mercurius.js <port> <folder of the database's socket> <name of the database>
import Fastify from "fastify";
import { GraphQLScalarType } from "graphql";
import mercurius from "mercurius";
import pg from "pg";

const [port, host, database] = process.argv.slice(2);
const pool = new pg.Pool({ host, database, user: "postgres", max: 10 });

const schema = `
  scalar JSON
  type Binary { sha256: String! size: String! mimeType: String! }
  type Annotation { id: ID! type: String! label: String! coordinates: JSON! }
  type Item {
    id: ID!
    path: String!
    metadata: JSON!
    binary: Binary!
    annotations: [Annotation!]!
  }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type ItemConnection { nodes: [Item!]! pageInfo: PageInfo! }
  type Query {
    items(first: Int!, after: String, label: String): ItemConnection!
    item(id: ID!): Item
  }
`;

const rowsOf = async (name, text, values) => (await pool.query({ name, text, values })).rows;

const PAGE = `SELECT id, path, metadata, binary_id FROM peers.items
  WHERE path > $1 ORDER BY path LIMIT $2`;
const LABELLED = `SELECT id, path, metadata, binary_id FROM peers.items i
  WHERE path > $1 AND EXISTS (
    SELECT FROM peers.annotations a WHERE a.item_id = i.id AND a.label = $3
  ) ORDER BY path LIMIT $2`;
const ITEM = "SELECT id, path, metadata, binary_id FROM peers.items WHERE id = $1";
const BINARIES = `SELECT id, sha256, size, mime_type AS "mimeType" FROM peers.binaries
  WHERE id = ANY($1)`;
const ANNOTATIONS = `SELECT id, item_id, type, label, coordinates FROM peers.annotations
  WHERE item_id = ANY($1) ORDER BY id`;

const resolvers = {
  JSON: new GraphQLScalarType({ name: "JSON" }),
  Query: {
    items: async (_, { first, after, label }) => {
      const values = [after ?? "", first + 1];
      const rows = label
        ? await rowsOf("labelled", LABELLED, [...values, label])
        : await rowsOf("page", PAGE, values);
      const nodes = rows.slice(0, first);
      const endCursor = nodes.length ? nodes[nodes.length - 1].path : null;
      return { nodes, pageInfo: { hasNextPage: rows.length > first, endCursor } };
    },
    item: async (_, { id }) => (await rowsOf("item", ITEM, [id]))[0],
  },
};

const loaders = {
  Item: {
    binary: async (queries) => {
      const ids = queries.map(({ obj }) => obj.binary_id);
      const found = new Map();
      for (const row of await rowsOf("binaries", BINARIES, [ids])) found.set(row.id, row);
      return ids.map((id) => found.get(id));
    },
    annotations: async (queries) => {
      const found = new Map(queries.map(({ obj }) => [obj.id, []]));
      for (const row of await rowsOf("annotations", ANNOTATIONS, [[...found.keys()]])) {
        found.get(row.item_id).push(row);
      }
      return queries.map(({ obj }) => found.get(obj.id));
    },
  },
};

const app = Fastify();
app.register(mercurius, { schema, resolvers, loaders, jit: 1 });
await app.listen({ port: Number(port), host: "127.0.0.1" });
