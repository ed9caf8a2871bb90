/** A bordered surface for rows and tables. */
import { Box, type BoxProps } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./panel.module.css";

export function Panel({ children, scroll, ...rest }: BoxProps & { children: ReactNode; scroll?: boolean }) {
  return (
    <Box className={classes.panel} {...rest}>
      {scroll ? <div className={classes.scroll}>{children}</div> : children}
    </Box>
  );
}

export function PanelRow({ children, ...rest }: BoxProps & { children: ReactNode }) {
  return (
    <Box className={classes.row} {...rest}>
      {children}
    </Box>
  );
}
