/** Says when the page does not hear the hub; says nothing while it does. */
import { Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { useLiveConnection } from "@/api/hints";

/** A page that is just opening is not worth a word. */
const PATIENCE_MS = 5_000;

export function ConnectionNote() {
  const connected = useLiveConnection();
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (connected) return;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [connected]);
  if (connected || !late) return null;
  return (
    <Text size="xs" c="dimmed" px={6} pb={6} role="status">
      No live updates just now; this page asks every few seconds instead.
    </Text>
  );
}
