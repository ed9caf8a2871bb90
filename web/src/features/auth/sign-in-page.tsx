/** Signing in: by name and password, or by a one-time link that brought its token along. */
import { Box, Button, Card, Center, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef } from "react";
import { Navigate, useLocation, useNavigate, useSearchParams } from "react-router";
import { asProblem } from "@/api/problem";
import { meQuery, useSignIn, useSignInByLink } from "@/api/session";
import { BrandMark } from "@/components/brand-mark";
import { ProblemAlert } from "@/components/problem-alert";
import { isOutsideApp, safeNext } from "@/lib/launch-link";
import { useDocumentTitle } from "@/lib/use-document-title";

export function SignInPage() {
  useDocumentTitle("Sign in");
  const [search] = useSearchParams();
  // Behind the #, where no server on the way sees it.
  const token = new URLSearchParams(useLocation().hash.slice(1)).get("token");
  const next = safeNext(search.get("next"));
  return (
    <Center mih="100vh" p="md" component="main" bg="var(--alongside-quiet)">
      <Box w="100%" maw={380} pb="8vh">
        <Stack align="center" gap={10} mb="lg">
          <BrandMark size={40} />
          <Title order={1}>Sign in to Alongside</Title>
          <Text c="dimmed" ta="center">
            Tools beside the data they need
          </Text>
        </Stack>
        <Card padding="lg" radius="lg">
          {token ? <LinkSignIn token={token} next={next} /> : <PasswordSignIn next={next} />}
        </Card>
      </Box>
    </Center>
  );
}

function PasswordSignIn({ next }: { next: string }) {
  const { data: me } = useQuery(meQuery);
  const signIn = useSignIn();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn.mutate({ name: String(form.get("name")).trim(), password: String(form.get("password")) });
  };
  if (me) return <GoOn next={next} />;
  const refused = signIn.error && asProblem(signIn.error).status === 401;
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput name="name" label="Name" autoComplete="username" autoCapitalize="none" spellCheck={false} required withAsterisk={false} autoFocus size="md" />
        <PasswordInput name="password" label="Password" autoComplete="current-password" required withAsterisk={false} size="md" />
        {refused ? (
          <Text role="alert" size="sm" c="red">
            Name and password do not match an account here.
          </Text>
        ) : (
          <ProblemAlert error={signIn.error} />
        )}
        <Button type="submit" size="md" fullWidth loading={signIn.isPending}>
          Sign in
        </Button>
        <Text size="xs" c="dimmed" ta="center">
          No password yet? Ask whoever runs this installation for a one-time link.
        </Text>
      </Stack>
    </form>
  );
}

/** On to a page, or to the run whose link brought the visitor here. */
function GoOn({ next }: { next: string }) {
  const outside = isOutsideApp(next);
  useEffect(() => {
    if (outside) globalThis.location.replace(next);
  }, [next, outside]);
  return outside ? null : <Navigate to={next} replace />;
}

/** The token is sent by POST, once, and leaves the address bar with it. */
function LinkSignIn({ token, next }: { token: string; next: string }) {
  const navigate = useNavigate();
  const { mutate, error, data: me } = useSignInByLink();
  const sent = useRef(false);
  useEffect(() => {
    if (sent.current) return;
    sent.current = true;
    mutate(token);
  }, [mutate, token]);
  if (me) return <GoOn next={next} />;
  if (!error) {
    return (
      <Text ta="center" role="status">
        Signing you in…
      </Text>
    );
  }
  return (
    <Stack>
      <ProblemAlert error={error} title="This link does not work any more">
        <Text size="sm">A one-time link signs in once, and only for a short while. Ask for a new one, or use your password.</Text>
      </ProblemAlert>
      <Button variant="default" onClick={() => void navigate(`/sign-in?next=${encodeURIComponent(next)}`, { replace: true })}>
        Sign in with a password
      </Button>
    </Stack>
  );
}
