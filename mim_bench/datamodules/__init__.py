"""LightningDataModules over torch-free readers. (Importing it loads no torch.)"""
