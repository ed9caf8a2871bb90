/** An instant in people's words, with the exact time on hover. */
import { Tooltip } from "@mantine/core";
import { formatAgo, formatDateTime } from "@/lib/format";
import { useNow } from "@/lib/use-now";

export function TimeAgo({ at, never = "never" }: { at: string | null | undefined; never?: string }) {
  const now = useNow();
  if (!at) return <span>{never}</span>;
  return (
    <Tooltip label={formatDateTime(at)}>
      <time dateTime={at} className="numbers" style={{ whiteSpace: "nowrap" }}>
        {formatAgo(at, now)}
      </time>
    </Tooltip>
  );
}
