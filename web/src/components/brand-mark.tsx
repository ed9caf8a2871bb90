/** The sign of Alongside: a tool standing beside its data. */
export function BrandMark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="8" fill="var(--mantine-color-accent-7)" />
      <rect x="8" y="7" width="5" height="18" rx="2.5" fill="#fff" />
      <rect x="17" y="12" width="7" height="13" rx="2.5" fill="#fff" fillOpacity=".72" />
    </svg>
  );
}
