// PostGraphile 5 as it comes, over the plain tables of tables.sql.
//
//     node postgraphile.js <port> <folder of the database's socket> <name of the database>
import { createServer } from "node:http";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const [port, host, database] = process.argv.slice(2);
const pool = new pg.Pool({ host, database, user: "postgres", max: 10 });

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ pool, schemas: ["peers"] })],
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
  grafast: { explain: false },
});
const server = createServer();
await instance.createServ(grafserv).addTo(server);
await instance.getSchema(); // made before the first connection is taken
server.listen(Number(port), "127.0.0.1");
