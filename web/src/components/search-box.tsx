/** A search field that answers while one types; `/` puts the cursor into it from anywhere on the page. */
import { CloseButton, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useRef } from "react";

interface SearchBoxProps {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
  autoFocus?: boolean;
}

/** Marks the field that the `/` shortcut focuses. */
export const SEARCH_MARK = "data-search-field";

export function SearchBox({ label, placeholder, value, onChange, autoFocus }: SearchBoxProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (autoFocus && globalThis.matchMedia?.("(pointer: fine)").matches) input.current?.focus({ preventScroll: true });
  }, [autoFocus]);
  return (
    <TextInput
      ref={input}
      type="search"
      role="searchbox"
      aria-label={label}
      placeholder={placeholder}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => event.key === "Escape" && onChange("")}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={value ? <CloseButton size="sm" aria-label="Clear the search" onClick={() => onChange("")} /> : <kbd aria-hidden>/</kbd>}
      size="md"
      {...{ [SEARCH_MARK]: true }}
    />
  );
}
