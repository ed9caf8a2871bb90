/** What is done to a class, of resources or of accounts, in the list of classes. */
import { Button, Group } from "@mantine/core";
import type { ReactNode } from "react";
import { ConfirmButton } from "@/components/confirm-button";

export function ClassButtons({
  name,
  onEdit,
  removing,
  children,
}: {
  name: string;
  onEdit: () => void;
  removing: { error: Error | null; isPending: boolean; mutateAsync: (name: string) => Promise<unknown> };
  /** what removing it means */
  children: ReactNode;
}) {
  return (
    <Group gap="xs">
      <Button size="compact-xs" variant="default" onClick={onEdit} aria-label={`Edit the class ${name}`}>
        Edit
      </Button>
      <ConfirmButton
        size="compact-xs"
        label="Remove"
        confirm="Remove the class"
        question={`Remove the class ${name}?`}
        error={removing.error}
        loading={removing.isPending}
        onConfirm={() => removing.mutateAsync(name)}
      >
        {children}
      </ConfirmButton>
    </Group>
  );
}
