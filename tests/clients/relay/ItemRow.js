import { graphql } from "relay-runtime";

export const item = graphql`
  fragment ItemRow_item on Item {
    id
    path
    metadata
    createdAt
    binary {
      size
      mimeType
    }
    ...ItemAnnotations_item
  }
`;
