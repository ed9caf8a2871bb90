/** The page that a letter's link leads to: it proves an address, once. */
import { Alert, Button, Stack, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Link, useLocation } from "react-router";
import { useConfirmAddress } from "@/api/entering";
import { ProblemAlert } from "@/components/problem-alert";
import { AuthFrame, fromHash } from "./auth-frame";

export function VerifyPage() {
  const token = fromHash(useLocation().hash, "token") ?? "";
  const { mutate, data, error } = useConfirmAddress();
  const sent = useRef(false);
  useEffect(() => {
    if (sent.current) return;
    sent.current = true;
    mutate(token);
  }, [mutate, token]);
  return (
    <AuthFrame title="Confirm your address" heading="Confirm your address">
      <Stack>
        {data && (
          <Alert color="accent" title={`${data.email} is yours`} role="status">
            {data.admitted ? "You can sign in." : "An administrator still has to approve your account."}
          </Alert>
        )}
        {error && <ProblemAlert error={error} title="This link does not work any more" />}
        {!data && !error && <Text role="status">One moment…</Text>}
        <Button component={Link} to="/" variant="default">
          Go on
        </Button>
      </Stack>
    </AuthFrame>
  );
}
