// Apollo Client as a program sets it up: a normalised cache, files in variables, growing pages.
import { ApolloClient, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";
import { documents, headers, url } from "./service.mjs";

// As Apollo's manual says: which types there are behind interfaces and unions is asked for once.
const introspection = "{ __schema { types { kind name possibleTypes { name } } } }";
const response = await fetch(url, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ query: introspection }),
});
const { types } = (await response.json()).data.__schema;
const possibleTypes = Object.fromEntries(
  types
    .filter(({ possibleTypes }) => possibleTypes)
    .map(({ name, possibleTypes }) => [name, possibleTypes.map(({ name }) => name)]),
);

export const client = new ApolloClient({
  link: new UploadHttpLink({ uri: url, headers }),
  cache: new InMemoryCache({
    possibleTypes,
    typePolicies: {
      Query: { fields: { items: relayStylePagination(["datasetId", "at", "where"]) } },
    },
  }),
});

/** Fails when there are errors. */
export async function query(name, variables, fetchPolicy = "cache-first") {
  return (await client.query({ query: documents[name], variables, fetchPolicy })).data;
}

/** What the only field of a mutation answers. */
export async function mutate(name, input) {
  const { data } = await client.mutate({ mutation: documents[name], variables: { input } });
  return Object.values(data)[0];
}
