/** Start and stop as one press, with the refusal shown where it happened. */
import { notifications } from "@mantine/notifications";
import { asProblem } from "@/api/problem";
import { useSteer, type Verb } from "@/api/runs";

export function useSteering() {
  const steer = useSteer();
  const press = (id: string, verb: Verb) =>
    steer.mutate(
      { id, verb },
      {
        onError: (error) => {
          const problem = asProblem(error);
          notifications.show({ color: "red", title: problem.title, message: problem.detail, autoClose: 8000 });
        },
      },
    );
  return { press, pending: steer.isPending };
}
