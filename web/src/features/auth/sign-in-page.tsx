/** Signing in, by the ways that are switched on here, or by a one-time link that brought its token along. */
import { Alert, Anchor, Button, Divider, Group, PasswordInput, Skeleton, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef } from "react";
import { Link, Navigate, useLocation, useNavigate, useSearchParams } from "react-router";
import { useAskForLink, useSignInAsGuest, waysQuery } from "@/api/entering";
import { asProblem, faultOf } from "@/api/problem";
import { meQuery, useSignIn, useSignInByLink } from "@/api/session";
import type { Me } from "@/api/types";
import { ProblemAlert } from "@/components/problem-alert";
import { plural } from "@/lib/format";
import { isOutsideApp, safeNext } from "@/lib/launch-link";
import { AuthFrame, fromHash } from "./auth-frame";

/** Why the provider's way back led here, in words. */
const REFUSED: Record<string, string> = {
  waiting: "Your account waits for an administrator. You will be told by mail once it is approved.",
  refused: "Your registration was not accepted.",
  closed: "You have no account here, and nobody registers by this way. Ask an administrator.",
  provider: "The sign-in did not come back as it should. Try again.",
};

export function SignInPage() {
  const [search] = useSearchParams();
  const { hash } = useLocation();
  const token = fromHash(hash, "token");
  const next = safeNext(search.get("next"));
  return (
    <AuthFrame title="Sign in" heading="Sign in to Alongside" lead="Tools beside the data they need">
      {token ? <LinkSignIn token={token} next={next} /> : <Ways next={next} refused={search.get("refused")} />}
    </AuthFrame>
  );
}

function Ways({ next, refused }: { next: string; refused: string | null }) {
  const { data: me } = useQuery(meQuery);
  const { data: ways, error } = useQuery(waysQuery);
  if (me) return <GoOn next={next} />;
  if (!ways && !error) return <Skeleton h={180} role="status" aria-label="Loading the ways to sign in" />;
  const on = new Set<string>(ways?.sign_in ?? ["password"]);
  const parts = [
    on.has("oidc") && (
      <Button key="oidc" component="a" size="md" fullWidth href={`/live/v1/oidc/start?next=${encodeURIComponent(next)}`}>
        Sign in with {ways?.oidc_title}
      </Button>
    ),
    on.has("password") && <PasswordSignIn key="password" canReset={ways?.mail ?? false} />,
    on.has("link") && <LinkByMail key="link" />,
    (on.has("open") || on.has("email")) && <GuestSignIn key="guest" asksAddress={!on.has("open")} hours={ways?.guest_hours ?? 0} />,
  ].filter(Boolean);
  return (
    <Stack gap="md">
      {refused && (
        <Alert color={refused === "waiting" ? "accent" : "red"} role="alert">
          {REFUSED[refused] ?? REFUSED.provider}
        </Alert>
      )}
      {parts.map((part, index) => (
        <Stack key={index} gap="md">
          {index > 0 && <Divider label="or" />}
          {part}
        </Stack>
      ))}
      {ways && ways.registration !== "closed" ? (
        <Text size="sm" ta="center">
          No account yet?{" "}
          <Anchor component={Link} to="/register">
            Register
          </Anchor>
        </Text>
      ) : (
        on.has("password") && (
          <Text size="xs" c="dimmed" ta="center">
            No password yet? Ask whoever runs this installation for a one-time link.
          </Text>
        )
      )}
    </Stack>
  );
}

function PasswordSignIn({ canReset }: { canReset: boolean }) {
  const signIn = useSignIn();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn.mutate({ name: String(form.get("name")).trim(), password: String(form.get("password")) });
  };
  const problem = signIn.error && asProblem(signIn.error);
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput name="name" label="Name" autoComplete="username" autoCapitalize="none" spellCheck={false} required withAsterisk={false} autoFocus size="md" />
        <PasswordInput name="password" label="Password" autoComplete="current-password" required withAsterisk={false} size="md" />
        {problem?.status === 401 ? (
          <Text role="alert" size="sm" c="red">
            Name and password do not match an account here.
          </Text>
        ) : (
          <ProblemAlert error={signIn.error} title={problem?.code === "account_waiting" ? "Not yet" : undefined} />
        )}
        <Button type="submit" size="md" fullWidth loading={signIn.isPending}>
          Sign in
        </Button>
        {canReset && (
          <Anchor component={Link} to="/reset" size="sm" ta="center">
            Forgot your password?
          </Anchor>
        )}
      </Stack>
    </form>
  );
}

function LinkByMail() {
  const asking = useAskForLink();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    asking.mutate(String(new FormData(event.currentTarget).get("email")).trim());
  };
  if (asking.isSuccess) {
    return (
      <Alert color="accent" role="status" title="Look into your mail">
        If this address may come in here, a link is on its way to it. It signs in once.
      </Alert>
    );
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput name="email" type="email" label="E-mail" autoComplete="email" required withAsterisk={false} size="md" error={faultOf(asking.error, "email")} />
        {!faultOf(asking.error, "email") && <ProblemAlert error={asking.error} />}
        <Button type="submit" variant="default" size="md" fullWidth loading={asking.isPending}>
          Send me a sign-in link
        </Button>
      </Stack>
    </form>
  );
}

function GuestSignIn({ asksAddress, hours }: { asksAddress: boolean; hours: number }) {
  const arriving = useSignInAsGuest();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    arriving.mutate(asksAddress ? String(new FormData(event.currentTarget).get("guest-email")).trim() : null);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {asksAddress && (
          <TextInput name="guest-email" type="email" label="Your e-mail" autoComplete="email" required withAsterisk={false} error={faultOf(arriving.error, "email")} />
        )}
        <ProblemAlert error={arriving.error} />
        <Button type="submit" variant="default" size="md" fullWidth loading={arriving.isPending}>
          Continue as a guest
        </Button>
        <Text size="xs" c="dimmed" ta="center">
          Your work is kept for {hours >= 48 ? plural(Math.round(hours / 24), "day") : plural(Math.round(hours), "hour")} after you were last here.
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
  const { mutate, error, data: me }: { mutate: (token: string) => void; error: unknown; data: Me | undefined } = useSignInByLink();
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
  const waits = asProblem(error).code === "account_waiting";
  return (
    <Stack>
      <ProblemAlert error={error} title={waits ? "Not yet" : "This link does not work any more"}>
        {!waits && <Text size="sm">A one-time link signs in once, and only for a short while. Ask for a new one, or use your password.</Text>}
      </ProblemAlert>
      <Group grow>
        <Button variant="default" onClick={() => void navigate(`/sign-in?next=${encodeURIComponent(next)}`, { replace: true })}>
          {waits ? "Back" : "Sign in with a password"}
        </Button>
      </Group>
    </Stack>
  );
}
