import { graphql } from "relay-runtime";

export const rename = graphql`
  mutation RenameDatasetMutation($input: UpdateDatasetInput!) {
    updateDataset(input: $input) {
      __typename
      ... on UpdateDatasetSuccess {
        dataset {
          id
          name
        }
      }
      ... on Error {
        code
        message
        path
      }
    }
  }
`;

export const remove = graphql`
  mutation RenameDatasetDeleteItemsMutation($input: DeleteItemsInput!) {
    deleteItems(input: $input) {
      ... on DeleteItemsSuccess {
        deleted
        dataset {
          itemsCount
        }
      }
      ... on Error {
        message
      }
    }
  }
`;
