// The token of this browser tab, and what the page asks of the service itself.
import around from "./lookups/Around.graphql";
import here from "./lookups/Here.graphql";
import start from "./lookups/Start.graphql";

const TOKEN = "gql-service:token";
const FILLED = "gql-service:filled";
const LOOKS = ["theme", "visiblePlugin", "Flex"];

export const NO_TOKEN =
  "Without a token only the schema can be read. Paste one here, or open the address that the service prints.";

// A token in the address (#token=…) is for this page only: it is taken out at once, so that no
// bookmark, history or copied address has it.
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    history.replaceState(null, "", location.pathname + location.search);
    keepToken(given.trim());
  }
  return sessionStorage.getItem(TOKEN);
}

export function keepToken(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

export async function ask(token, query, variables = {}) {
  let response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        ...authorization(token),
      },
      body: JSON.stringify({ query, variables }),
    });
  } catch {
    throw new Error("The service does not answer");
  }
  const { data, errors } = await response.json();
  if (errors) throw Object.assign(new Error(errors[0].message), { refused: response.status === 401 });
  return data;
}

export function authorization(token) {
  return token ? { authorization: `Bearer ${token}` } : {};
}

// Who the token stands for, and the ids that the tabs begin with. Throws an Error to be read.
export async function lookUp(token, datasetId) {
  const { viewer, datasets } = await ask(token, start);
  const given = datasetId && (await ask(token, here, { id: datasetId })).dataset;
  if (datasetId && !given) {
    throw new Error(`There is no dataset ${datasetId} that this token may read`);
  }
  const source = given || datasets.nodes[0];
  const partner = datasets.nodes.find(
    (one) => one.id !== source.id && one.recipe.id === source.recipe.id,
  );
  const changed = given || partner || source;
  const place = changed && (await ask(token, around, { dataset: changed.id })).dataset;
  const stranger = place?.project.recipes.nodes.find((one) => one.id !== source.recipe.id);
  const item = place?.items.nodes[0];
  return { user: viewer.user, given, source, partner, stranger, changed, item };
}

// What is typed belongs to this browser tab and this page, how it looks to the browser.
export function storage() {
  const prefix = `${location.pathname}:`;
  const place = (key) => (LOOKS.some((word) => key.endsWith(word)) ? localStorage : sessionStorage);
  return {
    getItem: (key) => place(key).getItem(prefix + key),
    setItem: (key, value) => place(key).setItem(prefix + key, value),
    removeItem: (key) => place(key).removeItem(prefix + key),
    clear: forget,
    get length() {
      return keys().length;
    },
  };
}

// Tabs that were opened without a token have no ids yet: once there are some, they begin anew.
export function renewTabs(found) {
  const flag = `${location.pathname}:${FILLED}`;
  if (!found) return;
  if (!sessionStorage.getItem(flag)) forget();
  sessionStorage.setItem(flag, "yes");
}

function keys() {
  return Object.keys(sessionStorage).filter((key) => key.startsWith(`${location.pathname}:`));
}

function forget() {
  for (const key of keys()) sessionStorage.removeItem(key);
}
