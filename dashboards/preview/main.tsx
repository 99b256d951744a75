// The page that is photographed: the rows of the dashboard from `first` to `last`
// of the grid, with the data of a Prometheus.
//   index.html?prometheus=URL&end=SECONDS&first=0&last=17
import React from 'react';
import { createRoot } from 'react-dom/client';
import { createTheme, DataFrame, ThemeContext } from '@grafana/data';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import dashboard from '../jemalloc.json';
import { Painter, Panel } from './panels';
import { frames, Range, series } from './queries';

const CELL = 30; // The height of a cell of Grafana's grid, and the gap between two.
const GAP = 8;
const WIDTH = 1600;
const COLUMN = (WIDTH - GAP) / 24;

const parameters = new URLSearchParams(location.search);
const prometheus = parameters.get('prometheus')!;
const end = Number(parameters.get('end'));
const first = Number(parameters.get('first'));
const last = Number(parameters.get('last'));

const theme = createTheme({ colors: { mode: 'dark' } });
const range: Range = { from: end - 6 * 3600, to: end, step: 30 };

function shown(panels: Panel[]): Panel[] {
  return panels
    .flatMap((panel) => [panel, ...(panel.panels ?? [])])
    .filter(({ gridPos: { y, h } }) => y >= first && y + h <= last);
}

function Header() {
  const shownVariables = dashboard.templating.list.filter(({ hide }) => !hide);
  const choices = shownVariables.map(({ name, label }) => (
    <span className="choice" key={name}>
      <span>{label}</span>
      <b>{name === 'datasource' ? 'Prometheus' : 'All'}</b>
    </span>
  ));
  return (
    <div className="header">
      <h1>{dashboard.title}</h1>
      {choices}
      <span className="choice right">
        <b>Last 6 hours</b>
      </span>
    </div>
  );
}

function Placed({ panel, children }: { panel: Panel; children: React.ReactNode }) {
  const { x, y, w, h } = panel.gridPos;
  const style = {
    position: 'absolute' as const,
    left: GAP + x * COLUMN,
    top: (y - first) * (CELL + GAP),
    width: w * COLUMN - GAP,
    height: h * (CELL + GAP) - GAP,
  };
  return <div style={style}>{children}</div>;
}

async function main() {
  const annotation = dashboard.annotations.list[0];
  const starts = await series(prometheus, { refId: 'A', expr: annotation.expr }, range);
  const marks = starts.map(({ values }) => ({
    time: Number(values![0][1]),
    color: annotation.iconColor,
  }));
  const painter = new Painter(theme, range, marks);
  const panels = shown(dashboard.panels as unknown as Panel[]);
  const data = new Map<Panel, DataFrame[]>();
  for (const panel of panels.filter(({ type }) => type !== 'row')) {
    const raw = await frames(prometheus, panel.targets, range);
    data.set(panel, await painter.prepare(panel, raw));
  }
  createRoot(document.getElementById('root')!).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {first === 0 && <Header />}
      <div style={{ position: 'relative', height: (last - first) * (CELL + GAP) }}>
        {panels.map((panel) => (
          <Placed panel={panel} key={panel.id}>
            {panel.type === 'row' ? (
              <div className="row">{panel.title}</div>
            ) : (
              <PanelChrome
                title={panel.title}
                width={panel.gridPos.w * COLUMN - GAP}
                height={panel.gridPos.h * (CELL + GAP) - GAP}
              >
                {(width, height) => painter.draw(panel, data.get(panel)!, width, height)}
              </PanelChrome>
            )}
          </Placed>
        ))}
      </div>
    </ThemeContext.Provider>
  );
}

main().catch((error) => {
  document.body.textContent = error.stack;
});
