/** One's homes: how full they are, what was kept of them, and the way back; for administrators everyone's. */
import { SegmentedControl, Stack } from "@mantine/core";
import { IconHome } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { homesQuery } from "@/api/homes";
import { meQuery } from "@/api/session";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { EveryHome } from "./every-home";
import { HomeSection } from "./home-section";

export function HomesPage() {
  const { data: me } = useQuery(meQuery);
  const [whose, setWhose] = useState<"mine" | "everyone">("mine");
  const isAdmin = me?.account.role === "admin" && me.scopes.includes("admin");
  return (
    <Page
      title="Homes"
      lead="Your folder at each site. What you save and install in a tool stays in it, whichever tool you open next."
      actions={
        isAdmin && (
          <SegmentedControl
            aria-label="Whose homes"
            value={whose}
            onChange={(value) => setWhose(value as typeof whose)}
            data={[
              { value: "mine", label: "Mine" },
              { value: "everyone", label: "Everyone’s" },
            ]}
          />
        )
      }
    >
      {whose === "mine" ? <Mine /> : <EveryHome />}
    </Page>
  );
}

function Mine() {
  const { data: homes, error, refetch } = useQuery(homesQuery());
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!homes) return <RowSkeletons rows={2} label="Loading homes" />;
  if (homes.length === 0) {
    return (
      <EmptyState icon={<IconHome size={36} stroke={1.3} />} title="No home yet">
        One is made when you first launch a tool at a site.
      </EmptyState>
    );
  }
  return (
    <Stack gap="xl">
      {homes.map((home) => (
        <HomeSection key={home.id} home={home} />
      ))}
    </Stack>
  );
}
