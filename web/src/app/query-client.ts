/** How answers are cached: what the hub refuses is not asked again, what it could not answer is. */
import { QueryCache, QueryClient } from "@tanstack/react-query";
import { keys } from "@/api/keys";
import { asProblem } from "@/api/problem";

const MOST_RETRIES = 2;

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        // A session that ended shows at whichever request comes next; asking who we are brings the sign-in page.
        if (asProblem(error).status === 401 && query.queryKey[0] !== keys.me[0]) {
          void client.invalidateQueries({ queryKey: keys.me });
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        retry: (failures, error) => {
          const { status } = asProblem(error);
          return failures < MOST_RETRIES && (status === 0 || status >= 500);
        },
      },
    },
  });
  return client;
}
