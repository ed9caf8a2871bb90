/** A forgotten password: asking for a letter, and setting a new password with the link in it. */
import { Alert, Anchor, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import type { FormEvent } from "react";
import { Link, useLocation } from "react-router";
import { useAskForReset, useResetPassword } from "@/api/entering";
import { faultOf } from "@/api/problem";
import { ProblemAlert } from "@/components/problem-alert";
import { AuthFrame, fromHash } from "./auth-frame";

export function ResetPage() {
  const token = fromHash(useLocation().hash, "token");
  return (
    <AuthFrame title="New password" heading="Set a new password">
      {token ? <SetPassword token={token} /> : <AskForLetter />}
    </AuthFrame>
  );
}

function AskForLetter() {
  const asking = useAskForReset();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    asking.mutate(String(new FormData(event.currentTarget).get("email")).trim());
  };
  return asking.isSuccess ? (
    <Alert color="accent" title="Look into your mail" role="status">
      If an account has this address, a letter with a link is on its way to it.
    </Alert>
  ) : (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput name="email" type="email" label="E-mail of your account" autoComplete="email" required withAsterisk={false} autoFocus error={faultOf(asking.error, "email")} />
        {!faultOf(asking.error, "email") && <ProblemAlert error={asking.error} />}
        <Button type="submit" size="md" loading={asking.isPending}>
          Send me a link
        </Button>
        <Anchor component={Link} to="/sign-in" size="sm" ta="center">
          Back
        </Anchor>
      </Stack>
    </form>
  );
}

function SetPassword({ token }: { token: string }) {
  const setting = useResetPassword();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setting.mutate({ token, password: String(new FormData(event.currentTarget).get("password")) });
  };
  return setting.isSuccess ? (
    <Stack>
      <Alert color="accent" title="The password is set" role="status">
        Every session of before has ended.
      </Alert>
      <Button component={Link} to="/sign-in">
        Sign in
      </Button>
    </Stack>
  ) : (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <PasswordInput name="password" label="New password" description="At least 8 characters." autoComplete="new-password" required withAsterisk={false} autoFocus error={faultOf(setting.error, "password")} />
        {!faultOf(setting.error, "password") && <ProblemAlert error={setting.error} />}
        <Button type="submit" size="md" loading={setting.isPending}>
          Set the password
        </Button>
      </Stack>
    </form>
  );
}
