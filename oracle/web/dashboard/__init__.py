"""The operators' dashboard and the borrower's page: server-rendered, over the database alone where no daemon runs."""
