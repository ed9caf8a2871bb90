/** What administrators did to accounts, newest first. */
import { Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { auditQuery } from "@/api/admission";
import { Panel } from "@/components/panel";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";

const WORDS: Record<string, string> = {
  create: "added",
  edit: "changed",
  delete: "deleted",
  approve: "approved",
  refuse: "refused",
  deactivate: "switched off",
  activate: "switched on",
  set_password: "set the password of",
  sign_in_link: "made a sign-in link for",
  invite: "invited",
  revoke_invitation: "revoked the invitation",
  look: "looked as",
  look_ended: "stopped looking as",
  reset_password: "set a new password for",
  leave: "left:",
  expire: "guest's time was over:",
};

export function AuditSection() {
  const { data } = useQuery(auditQuery);
  if (!data || data.items.length === 0) return null;
  return (
    <Section title="What was done">
      <Panel scroll>
        <Table aria-label="What was done">
          <Table.Tbody>
            {data.items.map((entry) => (
              <Table.Tr key={entry.seq}>
                <Table.Td c="dimmed" style={{ whiteSpace: "nowrap" }}>
                  <TimeAgo at={entry.at} />
                </Table.Td>
                <Table.Td>
                  <Text size="sm">
                    <b>{entry.actor}</b> {WORDS[entry.action] ?? entry.action} <b>{entry.thing}</b>
                    {entry.detail && (
                      <Text span c="dimmed">
                        {" "}
                        ({entry.detail})
                      </Text>
                    )}
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Panel>
    </Section>
  );
}
