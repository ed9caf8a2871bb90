/** Names and values of a record, aligned. */
import { Box, Text } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./facts.module.css";

export type Fact = [name: string, value: ReactNode] | false | null | undefined;

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={classes.facts}>
      {facts
        .filter((fact): fact is [string, ReactNode] => Boolean(fact))
        .map(([name, value]) => (
          <Box key={name} className={classes.fact}>
            <Text component="dt" size="sm" c="dimmed">
              {name}
            </Text>
            <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere", minWidth: 0 }}>
              {value}
            </Text>
          </Box>
        ))}
    </dl>
  );
}
