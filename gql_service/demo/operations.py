"""The GraphQL operations of the demo, as any client may copy them."""

DATASET = """
query Dataset($id: ID!) {
  dataset(by: {id: $id}) { id name itemsCount recipe { id } head { number } }
}
"""

ITEMS = """
query Items($datasetId: ID!, $first: Int!) {
  items(datasetId: $datasetId, first: $first) {
    nodes { id path binary { sha256 } annotations(first: 1) { nodes { id label } } }
  }
}
"""

EVERYBODY = """
query Everybody($datasetId: ID!) {
  items(
    datasetId: $datasetId
    first: 1
    where: { and: [
      { annotations: { some: { type: { eq: BOX } } } }
      { annotations: { some: { status: { eq: APPROVED } } } }
    ] }
  ) {
    nodes {
      path
      binary { referenceCount }
      annotations { nodes { type label status creator { name } } }
    }
  }
}
"""

CLONE = """
mutation Clone($input: CloneDatasetInput!) {
  cloneDataset(input: $input) {
    __typename
    ... on CloneDatasetSuccess {
      dataset { id name }
      report { itemsCount annotationsCount bytesAdded }
    }
    ... on Error { message code }
  }
}
"""

MERGE = """
mutation Merge($input: MergeDatasetsInput!) {
  mergeDatasets(input: $input) {
    __typename
    ... on MergeDatasetsSuccess {
      dataset { id name }
      report {
        outcome itemsCount annotationsCount bytesAdded unified summed
        conflicts { totalCount }
      }
    }
    ... on Error { message code }
    ... on RecipeMismatchError { differences { kind name detail } }
  }
}
"""

SWITCH_RECIPE = """
mutation SwitchRecipe($input: SwitchRecipeInput!) {
  switchRecipe(input: $input) {
    __typename
    ... on SwitchRecipeSuccess { dataset { head { number } } }
    ... on Error { message code }
  }
}
"""

ANNOTATE = """
mutation Annotate($input: AddAnnotationsInput!) {
  addAnnotations(input: $input) {
    __typename
    ... on Error { message code }
  }
}
"""

REVIEW = """
mutation Review($input: UpdateAnnotationsInput!) {
  updateAnnotations(input: $input) {
    __typename
    ... on Error { message code }
  }
}
"""

CREATE_RECIPE = """
mutation CreateRecipe($input: CreateRecipeInput!) {
  createRecipe(input: $input) {
    __typename
    ... on CreateRecipeSuccess { recipe { id } }
    ... on Error { message code }
  }
}
"""

CREATE_DATASET = """
mutation CreateDataset($input: CreateDatasetInput!) {
  createDataset(input: $input) {
    __typename
    ... on CreateDatasetSuccess { dataset { id } }
    ... on Error { message code }
  }
}
"""

ADD_ITEMS = """
mutation AddItems($input: AddItemsInput!) {
  addItems(input: $input) {
    __typename
    ... on Error { message code }
  }
}
"""
