/** An error as the hub told it: what happened, which fields are at fault, and the code to search for. */
import { Alert, Button, Code, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { asProblem } from "@/api/problem";

interface ProblemAlertProps {
  error: unknown;
  /** what was being attempted: "The run could not be started" */
  title?: string;
  retry?: () => void;
  /** what the person can do about it, where the page knows */
  children?: ReactNode;
}

export function ProblemAlert({ error, title, retry, children }: ProblemAlertProps) {
  if (!error) return null;
  const problem = asProblem(error);
  const faults = problem.faults.filter((fault) => fault.reason);
  return (
    <Alert color="red" variant="light" role="alert" icon={<IconAlertTriangle size={18} aria-hidden />} title={title ?? problem.title}>
      {(faults.length === 0 || title) && problem.detail !== (title ?? problem.title) && faults.length === 0 && (
        <Text size="sm">{problem.detail}</Text>
      )}
      {faults.length > 0 && (
        <List size="sm" spacing={2}>
          {faults.map((fault) => (
            <List.Item key={`${fault.field} ${fault.reason}`}>
              {fault.field && <Code mr={6}>{fault.field}</Code>}
              {fault.reason}
            </List.Item>
          ))}
        </List>
      )}
      {children}
      {problem.code !== "unknown" && (
        <Text size="xs" c="dimmed" mt={6}>
          code <span className="mono">{problem.code}</span>
        </Text>
      )}
      {retry && (
        <Button size="xs" variant="default" mt="xs" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
