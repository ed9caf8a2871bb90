/** Pages for addresses that lead nowhere and for pages that broke. */
import { Anchor, Button, Center, Group, Text } from "@mantine/core";
import { IconCompass, IconPlugConnectedX } from "@tabler/icons-react";
import { Link, useRouteError } from "react-router";
import { EmptyState } from "@/components/empty-state";
import { useDocumentTitle } from "@/lib/use-document-title";

export function NotFoundPage() {
  useDocumentTitle("Nothing here");
  return (
    <EmptyState
      icon={<IconCompass size={36} stroke={1.4} />}
      title="There is nothing at this address"
      action={
        <Group gap="md" justify="center">
          <Anchor component={Link} to="/datasets">
            Datasets
          </Anchor>
          <Anchor component={Link} to="/tools">
            Tools
          </Anchor>
          <Anchor component={Link} to="/runs">
            Runs
          </Anchor>
        </Group>
      }
    >
      The link may be old, or what it led to was deleted.
    </EmptyState>
  );
}

export function RouteError() {
  const error = useRouteError();
  useDocumentTitle("Something went wrong");
  const isStale = error instanceof TypeError && /import|module|fetch/i.test(error.message);
  return (
    <Center mih="50vh">
      <EmptyState
        icon={<IconPlugConnectedX size={36} stroke={1.4} />}
        title={isStale ? "This page has a newer version" : "This page broke"}
        action={<Button onClick={() => globalThis.location.reload()}>Load it again</Button>}
      >
        {isStale ? (
          "The hub was updated since you opened this tab."
        ) : (
          <Text component="span" className="mono" size="xs">
            {error instanceof Error ? error.message : String(error)}
          </Text>
        )}
      </EmptyState>
    </Center>
  );
}
