"""From a recipe to a table: suites, recipes, plan, worker, store. (Importing it loads no torch.)"""
