/** Adds a person. Without a password they come in by a one-time link. */
import { Button, Group, Modal, PasswordInput, Select, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useCreateAccount } from "@/api/people";
import { faultOf } from "@/api/problem";
import type { Role } from "@/api/types";
import { ProblemAlert } from "@/components/problem-alert";
import { ROLES } from "./roles";

export function NewAccountDialog({ onClose }: { onClose: () => void }) {
  const creating = useCreateAccount();
  const [role, setRole] = useState<Role>("user");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name)).trim() || undefined;
    creating.mutate(
      { name: text("name") ?? "", role, display_name: text("display_name"), email: text("email"), password: String(form.get("password")) || undefined },
      { onSuccess: onClose },
    );
  };
  return (
    <Modal opened onClose={onClose} title="Add a person">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput name="name" label="Name" description="What they sign in with." required withAsterisk={false} data-autofocus error={faultOf(creating.error, "name")} />
          <TextInput name="display_name" label="Display name" />
          <TextInput name="email" type="email" label="E-mail" error={faultOf(creating.error, "email")} />
          <Select label="Role" data={ROLES} value={role} onChange={(value) => value && setRole(value as Role)} allowDeselect={false} />
          <PasswordInput
            name="password"
            label="Password"
            description="May stay empty: make a one-time link afterwards."
            autoComplete="new-password"
            error={faultOf(creating.error, "password")}
          />
          <ProblemAlert error={creating.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={creating.isPending}>
              Add
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
