/** A WebDAV address for desktops and rclone: made once, with a password that is shown once. */
import { Button, Code, Group, Modal, NumberInput, Stack, Table, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { drivesQuery, useCloseDrive, useOpenDrive, type FolderId } from "@/api/files";
import { CopyLine } from "@/components/copy-line";
import { Facts } from "@/components/facts";
import { ProblemAlert } from "@/components/problem-alert";
import { formatDate } from "@/lib/format";

export function DriveDialog({ folder, onClose }: { folder: FolderId; onClose: () => void }) {
  const { data: drives } = useQuery(drivesQuery);
  const opening = useOpenDrive();
  const closing = useCloseDrive();
  const [days, setDays] = useState<number | string>(30);
  const made = opening.data;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name")).trim() || "Drive";
    opening.mutate({ ...folder, name, days: Number(days) || 30 });
  };
  return (
    <Modal opened onClose={onClose} title="Connect as a drive" size="lg">
      <Stack gap="md">
        {made ? (
          <Stack gap="sm">
            <Text size="sm">This is shown once. Your desktop asks for it when you connect to the address (Finder: Go → Connect to Server).</Text>
            <Facts
              facts={[
                ["Address", <CopyLine key="url" text={made.url} label="Copy the address" />],
                ["Name", <Code key="user">{made.user}</Code>],
                ["Password", <CopyLine key="password" text={made.password} label="Copy the password" />],
                ["Until", formatDate(made.expires_at)],
              ]}
            />
            <Text size="sm">With rclone:</Text>
            <CopyLine
              wrap
              label="Copy the command"
              text={`rclone config create alongside webdav url=${made.url} vendor=other user=${made.user} pass=$(rclone obscure PASSWORD)`}
            />
          </Stack>
        ) : (
          <form onSubmit={submit}>
            <Text size="sm" mb="sm">
              A WebDAV address of this folder for your desktop or rclone, with a password of its own. It works until it ends or you take it back.
            </Text>
            <Group align="flex-end" gap="xs">
              <TextInput name="name" label="Name" placeholder="My laptop" maxLength={200} data-autofocus style={{ flex: "1 1 10rem" }} />
              <NumberInput label="Days" min={1} max={365} value={days} onChange={setDays} w={90} />
              <Button type="submit" loading={opening.isPending}>
                Make an address
              </Button>
            </Group>
          </form>
        )}
        <ProblemAlert error={opening.error ?? closing.error} />
        {drives && drives.items.length > 0 && (
          <Table aria-label="Drives">
            <Table.Tbody>
              {drives.items.map((drive) => (
                <Table.Tr key={drive.id}>
                  <Table.Td>{drive.name}</Table.Td>
                  <Table.Td c="dimmed">
                    {drive.site}, until {formatDate(drive.expires_at)}
                  </Table.Td>
                  <Table.Td ta="right">
                    <Button size="compact-xs" variant="default" onClick={() => closing.mutate(drive)} aria-label={`Take back ${drive.name}`}>
                      Take back
                    </Button>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
    </Modal>
  );
}
