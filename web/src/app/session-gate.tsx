/** Lets only people in who are signed in; everyone else goes to the sign-in page and comes back. */
import { Center, Skeleton, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { asProblem } from "@/api/problem";
import { meQuery } from "@/api/session";
import { ProblemAlert } from "@/components/problem-alert";

export function RequireSession({ children }: { children: ReactNode }) {
  const { data, error, refetch } = useQuery(meQuery);
  const location = useLocation();
  if (error && asProblem(error).status === 401) {
    const here = location.pathname + location.search + location.hash;
    return <Navigate to={here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`} replace />;
  }
  if (data) return children;
  return (
    <Center mih="60vh" p="md">
      {error ? (
        <Stack maw={480}>
          <ProblemAlert error={error} retry={() => void refetch()} />
        </Stack>
      ) : (
        <Stack w="min(40rem, 90vw)" role="status" aria-label="Loading">
          <Skeleton h={22} w="40%" />
          <Skeleton h={14} w="70%" />
          <Skeleton h={120} />
        </Stack>
      )}
    </Center>
  );
}
