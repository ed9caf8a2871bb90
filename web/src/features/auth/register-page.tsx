/** Asking for an account, under the policy of this installation. */
import { Alert, Anchor, Button, PasswordInput, Skeleton, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { Link, Navigate, useLocation } from "react-router";
import { useRegister, waysQuery } from "@/api/entering";
import { faultOf, faultsElsewhere } from "@/api/problem";
import { meQuery, useSignIn } from "@/api/session";
import type { Account } from "@/api/types";
import { ProblemAlert } from "@/components/problem-alert";
import { AuthFrame, fromHash } from "./auth-frame";

const FIELDS = ["name", "email", "password", "display_name"];

export function RegisterPage() {
  const { data: me } = useQuery(meQuery);
  const { data: ways, error } = useQuery(waysQuery);
  const registering = useRegister();
  const signIn = useSignIn();
  const invitation = fromHash(useLocation().hash, "invitation") ?? "";
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = (name: string) => String(form.get(name) ?? "").trim();
    const password = String(form.get("password") ?? "");
    registering.mutate(
      {
        name: said("name"),
        role: "user",
        display_name: said("display_name"),
        email: said("email") || null,
        password: password || null,
        invitation: invitation || said("invitation"),
      },
      { onSuccess: (account) => account.standing === "admitted" && password && signIn.mutate({ name: account.name, password }) },
    );
  };
  if (me) return <Navigate to="/" replace />;
  const made = registering.data;
  return (
    <AuthFrame title="Register" heading={made ? "Thank you" : "Register"} lead={made ? undefined : lead(ways?.registration, ways?.email_domains)}>
      {error ? (
        <ProblemAlert error={error} />
      ) : made && !signIn.isPending ? (
        <Registered account={made} domain={ways?.registration === "domain"} />
      ) : !ways ? (
        <Skeleton h={220} role="status" aria-label="Loading" />
      ) : ways.registration === "closed" ? (
        <Text>Nobody registers here; ask an administrator for an account.</Text>
      ) : (
        <form onSubmit={submit}>
          <Stack gap="sm">
            <TextInput
              name="name"
              label="Name"
              description="Lower-case letters and digits; it is also your folder's name."
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              required
              withAsterisk={false}
              autoFocus
              error={faultOf(registering.error, "name")}
            />
            <TextInput name="display_name" label="What we call you" autoComplete="name" error={faultOf(registering.error, "display_name")} />
            <TextInput
              name="email"
              type="email"
              label="E-mail"
              autoComplete="email"
              required={ways.registration === "domain" || ways.sign_in.includes("link")}
              withAsterisk={false}
              error={faultOf(registering.error, "email")}
            />
            {ways.sign_in.includes("password") && (
              <PasswordInput
                name="password"
                label="Password"
                description="At least 8 characters."
                autoComplete="new-password"
                required={!ways.sign_in.includes("link")}
                withAsterisk={false}
                error={faultOf(registering.error, "password")}
              />
            )}
            {ways.registration === "invitation" && !invitation && (
              <TextInput name="invitation" label="Invitation" required withAsterisk={false} error={faultOf(registering.error, "invitation")} />
            )}
            {registering.error && faultsElsewhere(registering.error, FIELDS) && <ProblemAlert error={registering.error} />}
            <Button type="submit" size="md" fullWidth loading={registering.isPending || signIn.isPending}>
              Register
            </Button>
            <Anchor component={Link} to="/sign-in" size="sm" ta="center">
              I have an account
            </Anchor>
          </Stack>
        </form>
      )}
    </AuthFrame>
  );
}

function lead(policy: string | undefined, domains: readonly string[] = []): string | undefined {
  if (policy === "approval") return "An administrator looks at each registration.";
  if (policy === "domain") return `For people with an address at ${domains.join(" or ")}.`;
  if (policy === "invitation") return "For people with an invitation.";
  return undefined;
}

function Registered({ account, domain }: { account: Account; domain: boolean }) {
  return (
    <Stack>
      {account.standing === "waiting" ? (
        <Alert color="accent" title={domain ? "Confirm your address" : "Waiting for approval"} role="status">
          {domain
            ? `A letter is on its way to ${account.email ?? "you"}. Its link lets you in.`
            : `An administrator was told that ${account.name} asks for an account.${account.email ? " You will hear of it by mail." : " Try to sign in later."}`}
        </Alert>
      ) : (
        <Alert color="accent" title={`You have an account: ${account.name}`} role="status">
          {account.email && !account.email_verified ? "A letter is on its way that confirms your address." : "You can sign in now."}
        </Alert>
      )}
      <Button component={Link} to="/sign-in" variant="default">
        To the sign-in page
      </Button>
    </Stack>
  );
}
