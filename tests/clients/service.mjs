// Where the service is, who asks, and the documents that every client sends.
import { readdirSync, readFileSync } from "node:fs";
import { parse, separateOperations } from "graphql";

export const url = process.env.GRAPHQL_URL;
export const dataset = process.env.DATASET;
export const headers = {
  authorization: `Bearer ${process.env.TOKEN}`,
  "graphql-require-preflight": "1",
};

const folder = new URL("operations/", import.meta.url);
const texts = readdirSync(folder)
  .filter((name) => name.endsWith(".graphql"))
  .map((name) => readFileSync(new URL(name, folder), "utf8"));

/** By the name of the operation, each with the fragments that it uses. */
export const documents = separateOperations(parse(texts.join("\n")));

export const file = (name, content) => new File([content], name, { type: "text/plain" });
