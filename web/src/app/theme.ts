/** Colours, type and sizes of every page: one accent, quiet greys, dense controls. */
import { Alert, Badge, Button, Card, createTheme, Modal, Table, TextInput, Tooltip, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = [
  "#e9f7f6", "#d3eeec", "#a5dcd9", "#74c9c5", "#4bb8b3", "#2ea49f", "#178d89", "#0b7a78", "#066664", "#02504f",
];

const gray: MantineColorsTuple = [
  "#f7f8f9", "#eff1f3", "#e4e7ea", "#d5dade", "#b8bfc6", "#8b949d", "#646e78", "#4a535c", "#323940", "#1c2126",
];

const dark: MantineColorsTuple = [
  "#dfe3e8", "#bac2ca", "#939da7", "#6b7580", "#3f4852", "#2c343c", "#1e252b", "#14191e", "#0f1317", "#0a0d10",
];

export const theme = createTheme({
  colors: { accent, gray, dark },
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 7 },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.4" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.375rem", lineHeight: "1.3" },
      h2: { fontSize: "1rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  defaultRadius: "md",
  radius: { xs: "3px", sm: "5px", md: "7px", lg: "10px", xl: "16px" },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Alert: Alert.extend({ styles: { body: { minWidth: 0 }, message: { minWidth: 0 } } }),
    Button: Button.extend({ defaultProps: { size: "sm" }, styles: { label: { fontWeight: 550 } } }),
    Badge: Badge.extend({ defaultProps: { variant: "light", radius: "sm", tt: "none", fw: 500 } }),
    Card: Card.extend({ defaultProps: { withBorder: true, padding: "md" } }),
    Modal: Modal.extend({ defaultProps: { centered: false, yOffset: "8vh", overlayProps: { backgroundOpacity: 0.4, blur: 2 } } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: "xs", horizontalSpacing: "sm" } }),
    TextInput: TextInput.extend({ defaultProps: { autoComplete: "off" } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 250, withArrow: true, multiline: true, maw: 360 } }),
  },
});
