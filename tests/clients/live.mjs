// graphql-ws and urql: a dataset is watched over WebSocket and as server-sent events.
import assert from "node:assert/strict";
import { Client, fetchExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { dataset, documents, file, headers, url } from "./service.mjs";

const query = `subscription Watch($id: ID!, $since: Int) {
  datasetChanged(datasetId: $id, sinceVersion: $since) {
    fromVersion version { number } items { nodes { event change { after { path } } } } } }`;
const urql = new Client({
  url,
  exchanges: [fetchExchange],
  fetchOptions: { headers },
  fetchSubscriptions: true,
  preferGetMethod: false,
});
const sockets = createClient({
  url: url.replace("http", "ws"),
  connectionParams: { authorization: headers.authorization },
  lazy: false,
  retryAttempts: 0,
  webSocketImpl: WebSocket,
});

/** The next event of each of the two, which are then told the same. */
const overSocket = sockets.iterate({ query, variables: { id: dataset, since: 0 } });
const first = (await overSocket.next()).value;
assert.equal(first.errors, undefined);
assert.deepEqual([first.data.datasetChanged.fromVersion, first.data.datasetChanged.version.number], [0, 1]);

const events = [];
let wake;
const { unsubscribe } = (() => {
  const source = urql.subscription(query, { id: dataset, since: 0 });
  return source.subscribe((result) => {
    assert.equal(result.error, undefined);
    events.push(result.data.datasetChanged);
    wake?.();
  });
})();
const path = "live/one.txt";
const files = [{ file: file("one.txt", "from somebody who is watched"), path }];
const { data } = await urql
  .mutation(documents.UploadItems, { input: { datasetId: dataset, files } })
  .toPromise();
assert.equal(data.uploadItems.__typename, "UploadItemsSuccess");

const told = (step) => step.items.nodes.some(({ change }) => change.after?.path === `/${path}`);
let step;
do step = (await overSocket.next()).value.data.datasetChanged;
while (!told(step));
while (!events.some(told)) await new Promise((resolve) => (wake = resolve));
assert.deepEqual(events.find(told), step);
events.forEach((one, at) => assert.equal(one.fromVersion, at));
unsubscribe();
await overSocket.return();

const refused = await sockets
  .iterate({ query, variables: { id: "ds_999999" } })
  .next()
  .then(() => assert.fail("nothing is there"), (errors) => errors);
assert.equal(refused[0].extensions.code, "NOT_FOUND");
await sockets.dispose();
console.log(`${events.length} versions, over WebSocket and as events`);
