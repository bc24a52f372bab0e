import { graphql } from "relay-runtime";

// A page forwards or backwards, of a dataset as it was at any version.
export const dataset = graphql`
  fragment DatasetItems_dataset on Dataset
  @refetchable(queryName: "DatasetItemsPageQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    where: { type: "ItemWhere" }
    orderBy: { type: "[ItemOrder!]" }
  ) {
    items(
      first: $first
      after: $after
      last: $last
      before: $before
      where: $where
      orderBy: $orderBy
    ) @connection(key: "DatasetItems_items", filters: ["where", "orderBy"]) {
      totalCount
      edges {
        node {
          ...ItemRow_item
        }
      }
    }
  }
`;

export const query = graphql`
  query DatasetItemsQuery($id: ID!, $at: VersionRef, $first: Int!) {
    dataset(by: { id: $id }, at: $at) {
      name
      version {
        number
      }
      ...DatasetItems_dataset @arguments(first: $first)
    }
  }
`;
