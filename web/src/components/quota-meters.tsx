/** What an account holds against what it may hold. */
import { Stack } from "@mantine/core";
import type { Quota } from "@/api/types";
import { Meter } from "./meter";

export function QuotaMeters({ quota }: { quota: Quota }) {
  return (
    <Stack gap="sm">
      <Meter label="Runs" {...quota.running} />
      <Meter label="CPUs" {...quota.cpus} />
      <Meter label="Memory" unit=" GB" {...quota.memory_gb} />
    </Stack>
  );
}
