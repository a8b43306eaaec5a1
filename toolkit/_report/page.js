// Makes the tables sortable with DataTables, which stands in this file as text.
const text = JSON.parse(document.getElementById("tables-library").textContent);
const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const { default: DataTable } = await import(address);
URL.revokeObjectURL(address);
for (const table of document.querySelectorAll("table.sortable")) {
  const long = table.tBodies[0].rows.length > 12;
  new DataTable(table, {
    autoWidth: false,
    info: false,
    order: [],
    paging: false,
    layout: { topStart: long ? "search" : null, topEnd: null, bottomStart: null, bottomEnd: null },
  });
}
document.documentElement.dataset.tables = "ready";
