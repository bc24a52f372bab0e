// GraphiQL over this service, with a bar for the token.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { Kind, parse } from "graphql";
import { createClient } from "graphql-ws";
import { useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import {
  NO_TOKEN,
  authorization,
  keepToken,
  lookUp,
  renewTabs,
  storage,
  takeToken,
} from "./session.js";
import "./style.css";
import { readyTabs } from "./tabs.js";

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(WORKERS[label] ?? WORKERS.editor, { name: label }),
};

// Answers of the service are shown as they are; a refused token is also said beside the token.
function makeFetcher(token, refused) {
  const send = createGraphiQLFetcher({
    url: "/graphql",
    enableIncrementalDelivery: false,
    headers: authorization(token),
    fetch: async (...request) => {
      const response = await fetch(...request);
      if (response.status === 401) {
        const { errors } = await response.clone().json();
        refused(token ? errors[0].message : NO_TOKEN);
      }
      return response;
    },
    wsClient: createClient({
      url: new URL("/graphql", location.href.replace(/^http/, "ws")).href,
      connectionParams: () => authorization(token),
    }),
  });
  return (request, options) => send(...upToDate(request, options));
}

// For half a second after a change of tabs, GraphiQL names the operation of the tab before.
function upToDate(request, options) {
  let documentAST;
  try {
    documentAST = parse(request.query);
  } catch {
    return [request, options]; // the service says where it is wrong
  }
  const operations = documentAST.definitions.filter(
    (one) => one.kind === Kind.OPERATION_DEFINITION,
  );
  const named = operations.find((one) => one.name?.value === request.operationName);
  const operationName = (named ?? operations[0])?.name?.value;
  return [
    { ...request, operationName },
    { ...options, documentAST },
  ];
}

function TokenBox({ user, problem, onToken }) {
  const [text, setText] = useState("");
  const use = (event) => {
    event.preventDefault();
    onToken(text.trim());
  };
  if (user) {
    return (
      <div className="token">
        <span className="who" title={user.email}>
          {user.name}
        </span>
        <button type="button" onClick={() => onToken("")}>
          Forget the token
        </button>
      </div>
    );
  }
  return (
    <form className="token" onSubmit={use}>
      <span role="status" className="problem">
        {problem}
      </span>
      <input
        type="password"
        aria-label="Token"
        placeholder="Token (gqls_…)"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" disabled={!text.trim()}>
        Use
      </button>
    </form>
  );
}

function Page({ token, found, problem, datasetId }) {
  const [refusal, setRefusal] = useState(problem);
  const fetcher = useMemo(() => makeFetcher(token, setRefusal), [token]);
  const kept = useMemo(storage, []);
  const tabs = useMemo(() => readyTabs(found, datasetId), [found, datasetId]);
  useEffect(() => {
    if (datasetId) document.title = `${found?.given?.name ?? datasetId} · gql-service`;
  }, [found, datasetId]);
  const change = (text) => {
    keepToken(text);
    location.reload(); // so that the tabs begin with what the new token may read
  };
  return (
    <>
      <header>
        <a href="/playground" className="brand">
          gql-service
        </a>
        {datasetId && <span className="dataset">{found?.given?.name ?? datasetId}</span>}
        <TokenBox user={refusal ? null : found?.user} problem={refusal} onToken={change} />
      </header>
      <main>
        <GraphiQL
          fetcher={fetcher}
          storage={kept}
          defaultTabs={tabs}
          defaultEditorToolsVisibility="variables"
          isHeadersEditorEnabled={false}
          shouldPersistHeaders={false}
          inputValueDeprecation
          schemaDescription
        >
          <GraphiQL.Logo> </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

async function open() {
  let token = takeToken();
  const datasetId = location.pathname.match(/^\/datasets\/([^/]+)$/)?.[1];
  let found = null;
  let problem = token ? null : NO_TOKEN;
  if (token) {
    try {
      found = await lookUp(token, datasetId);
    } catch (error) {
      problem = error.message;
      if (error.refused) {
        token = null; // with it, not even the schema could be read
        keepToken(token);
      }
    }
  }
  renewTabs(found);
  createRoot(document.getElementById("page")).render(
    <Page token={token} found={found} problem={problem} datasetId={datasetId} />,
  );
}

open();
