import { graphql } from "relay-runtime";

// Made again from any item by its id: needs `node` and the interface Node.
export const item = graphql`
  fragment ItemAnnotations_item on Item
  @refetchable(queryName: "ItemAnnotationsPageQuery")
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 10 }
    cursor: { type: "String" }
    where: { type: "AnnotationWhere" }
  ) {
    annotations(first: $count, after: $cursor, where: $where)
      @connection(key: "ItemAnnotations_annotations") {
      edges {
        node {
          id
          label
          type
          coordinates
        }
      }
    }
  }
`;
