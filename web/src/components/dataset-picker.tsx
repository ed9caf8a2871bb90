/** Finds a dataset by text or any form of identifier, and hands it over. */
import { Combobox, Loader, Text, TextInput, useCombobox } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { datasetsQuery } from "@/api/datasets";
import type { Dataset } from "@/api/types";
import { formatBytes } from "@/lib/format";

interface DatasetPickerProps {
  label: string;
  placeholder?: string;
  /** datasets that are already chosen */
  without?: readonly string[];
  onPick: (dataset: Dataset) => void;
  autoFocus?: boolean;
}

export function DatasetPicker({ label, placeholder = "Title, DOI, or any other identifier", without = [], onPick, autoFocus }: DatasetPickerProps) {
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const [text, setText] = useState("");
  const [q] = useDebouncedValue(text.trim(), 150);
  const { data, isFetching } = useInfiniteQuery(datasetsQuery({ q }));
  const found = (data?.pages.flatMap((page) => page.items) ?? []).filter((dataset) => !without.includes(dataset.id)).slice(0, 12);
  const pick = (id: string) => {
    const dataset = found.find((candidate) => candidate.id === id);
    if (!dataset) return;
    onPick(dataset);
    setText("");
    combobox.closeDropdown();
  };
  return (
    <Combobox store={combobox} onOptionSubmit={pick} withinPortal>
      <Combobox.Target>
        <TextInput
          label={label}
          placeholder={placeholder}
          value={text}
          data-autofocus={autoFocus || undefined}
          leftSection={<IconSearch size={15} aria-hidden />}
          rightSection={isFetching && text ? <Loader size={14} aria-label="Searching" /> : null}
          onChange={(event) => {
            setText(event.currentTarget.value);
            combobox.openDropdown();
            combobox.selectFirstOption();
          }}
          onFocus={() => combobox.openDropdown()}
          onClick={() => combobox.openDropdown()}
          onBlur={() => combobox.closeDropdown()}
        />
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Options mah={280} style={{ overflowY: "auto" }}>
          {found.map((dataset) => (
            <Combobox.Option key={dataset.id} value={dataset.id}>
              <Text size="sm">{dataset.title}</Text>
              <Text size="xs" c="dimmed" className="clip">
                {dataset.identifiers[0]?.display} · {formatBytes(dataset.size_bytes)}
              </Text>
            </Combobox.Option>
          ))}
          {found.length === 0 && <Combobox.Empty>{isFetching ? "Searching…" : "No dataset matches."}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
