/** A form made from a JSON Schema: one labelled field for each setting, faults beside the field they are about. */
import { Box, Checkbox, JsonInput, NumberInput, Select, Stack, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { fieldKind, fieldsOf, labelOf, settingFault, type Schema, type Settings } from "@/lib/json-schema";

interface SchemaFormProps {
  schema: Schema;
  value: Settings;
  onChange: (value: Settings) => void;
  /** faults named by the hub, by setting */
  faults?: Record<string, string>;
}

export function SchemaForm({ schema, value, onChange, faults = {} }: SchemaFormProps) {
  const set = (name: string, setting: unknown) => {
    const next = { ...value };
    if (setting === undefined || setting === "") delete next[name];
    else next[name] = setting;
    onChange(next);
  };
  return (
    <Stack gap="sm">
      {fieldsOf(schema).map(([name, field]) => (
        <SettingField
          key={name}
          name={name}
          schema={field}
          required={schema.required?.includes(name) ?? false}
          value={value[name]}
          fault={faults[name]}
          onChange={(setting) => set(name, setting)}
        />
      ))}
    </Stack>
  );
}

interface SettingFieldProps {
  name: string;
  schema: Schema;
  required: boolean;
  value: unknown;
  fault?: string;
  onChange: (value: unknown) => void;
}

function SettingField({ name, schema, required, value, fault, onChange }: SettingFieldProps) {
  const [touched, setTouched] = useState(false);
  const shown = {
    label: labelOf(name, schema),
    description: schema.description,
    withAsterisk: required,
    error: fault ?? (touched ? settingFault(schema, value, required) : undefined),
    onBlur: () => setTouched(true),
  };
  const hint = schema.default !== undefined ? String(schema.default) : schema.examples?.[0] !== undefined ? String(schema.examples[0]) : undefined;
  const current = value ?? "";

  switch (fieldKind(schema)) {
    case "boolean":
      return (
        <Box py={2}>
          <Checkbox
            label={shown.label}
            description={shown.description}
            error={shown.error}
            checked={Boolean(value ?? schema.default ?? false)}
            onChange={(event) => onChange(event.currentTarget.checked)}
          />
        </Box>
      );
    case "number":
    case "integer":
      return (
        <NumberInput
          {...shown}
          placeholder={hint}
          value={typeof value === "number" ? value : ""}
          min={schema.minimum}
          max={schema.maximum}
          clampBehavior="none"
          allowDecimal={fieldKind(schema) === "number"}
          step={schema.multipleOf ?? (fieldKind(schema) === "integer" ? 1 : 0.1)}
          onChange={(next) => onChange(typeof next === "number" ? next : undefined)}
        />
      );
    case "choice":
      return (
        <Select
          {...shown}
          placeholder={hint}
          data={(schema.enum ?? []).map(String)}
          value={value === undefined ? null : String(value)}
          clearable={!required}
          comboboxProps={{ withinPortal: true }}
          onChange={(next) => onChange(next === null ? undefined : schema.enum?.find((choice) => String(choice) === next))}
        />
      );
    case "strings":
      return (
        <TagsInput {...shown} placeholder={hint} value={Array.isArray(value) ? value.map(String) : []} onChange={(next) => onChange(next.length ? next : undefined)} />
      );
    case "text":
      return <Textarea {...shown} autosize minRows={3} placeholder={hint} value={String(current)} onChange={(event) => onChange(event.currentTarget.value)} />;
    case "json":
      return <JsonField {...shown} value={value} placeholder={hint} onChange={onChange} />;
    default:
      return <TextInput {...shown} placeholder={hint} value={String(current)} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
}

interface JsonFieldProps {
  label: string;
  description?: string;
  error?: string;
  placeholder?: string;
  withAsterisk: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** What no simple field fits is typed as JSON; only what parses is passed on. */
function JsonField({ value, onChange, error, ...shown }: JsonFieldProps) {
  const [source, setSource] = useState(value === undefined ? "" : JSON.stringify(value, null, 2));
  const [bad, setBad] = useState(false);
  return (
    <JsonInput
      {...shown}
      autosize
      minRows={2}
      value={source}
      error={bad ? "This is not JSON." : error}
      onChange={(text) => {
        setSource(text);
        try {
          onChange(text.trim() ? JSON.parse(text) : undefined);
          setBad(false);
        } catch {
          setBad(true);
        }
      }}
    />
  );
}
